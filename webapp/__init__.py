"""A browser front door for Dify apps: chat, sign-in, cost per person, embedding."""

__version__ = '0.1.0'
