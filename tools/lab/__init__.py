"""The lab: a whole region on this machine. Nothing outside of this package knows that it exists."""
