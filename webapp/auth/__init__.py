"""Who people are: what providers vouch for, who is let in and as what, and sessions with their cookie."""
