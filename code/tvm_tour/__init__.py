"""TVM's own machinery, for the chapter about it: passes watched, two levels in a module, rules, searches."""
