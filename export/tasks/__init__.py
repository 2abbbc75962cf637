"""From texts to answers in the graph: what a text model computes, by task."""
