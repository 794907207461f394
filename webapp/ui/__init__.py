"""Pages and their components: layout and handlers, no rules."""
