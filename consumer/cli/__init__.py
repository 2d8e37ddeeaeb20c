"""The commands, one file each; `run` puts the service together."""
