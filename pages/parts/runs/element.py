"""What the elements of the runs page share in the browser."""

ELEMENT = """
function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
"""
