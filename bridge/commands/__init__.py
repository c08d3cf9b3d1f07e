"""What each command does; bridge/cli/ only names them and their options, so that help is fast."""
