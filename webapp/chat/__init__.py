"""The core: what a reply is and how events change it. Values only; imports nothing else of this project."""
