"""What each command does; bridge/cli.py only names them and their options, so that help is fast."""
