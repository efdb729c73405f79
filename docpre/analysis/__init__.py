"""What is on a page: text lines, layout, sections. One module a skill; ``analyzer`` wires them."""
