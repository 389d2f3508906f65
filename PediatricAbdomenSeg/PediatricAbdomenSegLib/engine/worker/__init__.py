"""The process that keeps models in memory and answers requests in JSON lines."""
