"""What keeps a GPU busy: draws that are made beside the process that feeds it, and steps that it repeats by itself."""
