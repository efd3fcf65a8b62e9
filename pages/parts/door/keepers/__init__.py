"""The three ways of knowing who is asking, a file each."""
