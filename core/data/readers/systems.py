"""What network storage, operating systems, archives and editors put beside photos: thumbnails, bins, copies."""

SYSTEM_FOLDERS = {"@eadir", "@recycle", "@recently-snapshot", "@tmp", "@__thumb", "#recycle", "#snapshot"}
SYSTEM_FOLDERS |= {"__macosx", ".thumbnails", "lost+found", "$recycle.bin", "recycler", "system volume information"}
SYSTEM_FOLDERS |= {".git", ".ipynb_checkpoints", ".trashes", ".spotlight-v100", ".fseventsd", "__pycache__"}
SYSTEM_FILES = {"thumbs.db", "ehthumbs.db", "desktop.ini"}
