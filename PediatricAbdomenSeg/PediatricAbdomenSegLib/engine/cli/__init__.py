"""The pedseg command, one file per subcommand."""
