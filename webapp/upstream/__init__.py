"""Everything that knows Dify's words: the client of its Service API, and a demo that answers the same contract."""
