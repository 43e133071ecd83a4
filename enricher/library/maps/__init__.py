"""Maps: items, documents or words as points of a plane, near each other if they belong together."""
