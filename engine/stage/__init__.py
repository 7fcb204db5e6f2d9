"""The presenter: draws the newest tick and the newest generated frame through the passes to one framebuffer."""
