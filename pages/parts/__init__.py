"""What several pages share on screen."""
