"""What enriches an index: one rule for every command.

**The names of an index** are the name as it was typed, the aliases that point to it, and its own name.

**The table** of enricher.toml is the one of that very name, in this order of names; else the first pattern
of the file that fits one of them. Without a table the plug-ins and settings that the index itself records
are used, when a model has enriched it; else the defaults.

**The fields** are those of the command's options; else of the table; else those that the index records
(`enricher index` recorded them); else, for an index that somebody else made, those that its mapping and a
sample of its documents show (`enricher.recipe.text_fields`); else `title` and `text`.
"""
