"""Choose the plug-ins, settings and fields of an index. Every command uses these rules.

**The names of an index** are the name as typed, the aliases that point to the index, and its own name, in
this order.

**The table** of enricher.toml is the first table with one of these names; else the first table in the file
whose pattern matches one of them. Without a table, the plug-ins and settings that the index records are used,
if a model has enriched it; else the defaults.

**The fields** come from the first of these sources that names any:

1. the options of the command,
2. the table,
3. the record of the index (`enricher index` writes it),
4. for an index that another program created: its mapping and a sample of its documents
   (`enricher.recipe.text_fields`),
5. the default: `title` and `text`.
"""
