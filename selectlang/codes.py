"""The codes of errors: what each means, and what to do. `docs/errors.md` is made from this table."""

from __future__ import annotations

CODES: dict[str, tuple[str, str]] = {
    # The file itself.
    "SL101": (
        "the file cannot be read",
        "There is no file of this name, or it may not be opened. Check the path and its permissions.",
    ),
    "SL102": (
        "not UTF-8",
        "A file is text in UTF-8, and the byte shown is none. Save it as UTF-8 in your editor.",
    ),
    "SL103": (
        "not YAML",
        "The text breaks a rule of YAML at the place shown; where something was left open, the second "
        "place says where it began. Usual causes are an indentation that does not line up, a bracket or a "
        "quote that is not closed, a tab, and a value with ': ' or ' #' in it that needs quotes.",
    ),
    "SL104": (
        "the file is empty",
        "It holds nothing, or only comments. A spec starts with `selectlang: 1`.",
    ),
    "SL105": (
        "the file is too large",
        "A spec has at most a million bytes; it names data, and holds none. Perhaps a data file was given "
        "in its place.",
    ),
    "SL106": (
        "nested too deep",
        "Lists and mappings stand at most 40 deep in one another.",
    ),
    "SL107": (
        "a key stands twice",
        "Most readers of YAML keep the last and drop the others without a word. Delete one, or rename it; "
        "both places are shown.",
    ),
    "SL108": (
        "an anchor, an alias, a tag or a merge key",
        "YAML is held to its JSON part, so that a spec reads the same to everybody. Write the value out, "
        "make it a param, or share stages with `extends`.",
    ),
    "SL109": (
        "a spec is a mapping",
        "At the top of a spec stand keys and their values: `selectlang: 1`, then `name`, `stages` and so on.",
    ),
    "SL110": (
        "a second document",
        "A file holds one spec. Put what follows `---` into a file of its own.",
    ),
    # The words of the spec.
    "SL201": (
        "an unknown key",
        "The key means nothing here, so it would do nothing. The message has the nearest key that means "
        "something, and the hint all of them.",
    ),
    "SL202": (
        "something is missing",
        "A key or a param that is needed here is not given. Write it.",
    ),
    "SL203": (
        "the wrong type",
        "The value is of another type than is asked for here. Values are read as JSON reads them: `no`, "
        "`yes` and dates are text, true and false are written `true` and `false`, `1.0` is no whole "
        "number, and what stands in quotes is text.",
    ),
    "SL204": (
        "no kind, two, or one that there is not",
        "A stage states one kind and its method, such as `score: length`; or it is a `loop` or a "
        "`recipe`. Plugins add methods, never kinds.",
    ),
    "SL205": (
        "an unknown method",
        "No plugin has registered a method of this name for this kind. Check the name, install the plugin "
        "that has it, or name its folder with `--plugins`; `selectlang plugins` lists what is there and "
        "what is broken.",
    ),
    "SL206": (
        "an unknown setting",
        "The method has no setting of this name. `selectlang show KIND METHOD` lists its settings; an "
        "input is written under `from`.",
    ),
    "SL207": (
        "an unknown param",
        "`$name` stands for a param that the spec declares under `params`. Declare it, or correct its "
        "name. The params of a recipe are those that its own spec declares.",
    ),
    "SL208": (
        "an unknown name",
        "A reference is the name of a data set, a stage or a carry that can be seen from where it stands. "
        "What stands inside a loop is seen outside only as a carry: `loop.carry`.",
    ),
    "SL209": (
        "an unknown port",
        "The stage, the method or the recipe has no input or output of this name. An output is named as "
        "`stage.port`; where a stage has several values and no first one, say which.",
    ),
    "SL210": (
        "a value out of range",
        "The type is right, the value is not: too small, too large, or none of those that are known. The "
        "message says what is expected.",
    ),
    "SL211": (
        "a name that cannot be used",
        "A name starts with a letter or '_', and has letters, digits, '_' and '-', at most 64. It is "
        "taken once in a spec, by a data set, a stage or a carry; a name inside a loop hides none outside "
        "it.",
    ),
    "SL212": (
        "the language version",
        "A spec starts with `selectlang: 1`. For a newer version, upgrade selectlang.",
    ),
    "SL213": (
        "an unknown type of a param",
        "The types are path, str, int, float, bool, model and amount, and a list of one of them: `type: "
        "[path]`.",
    ),
    "SL214": (
        "a param where none can stand",
        "`$name` stands for a whole value: not for a part of a text, not for a method, and not in the "
        "default of another param. A text that starts with `$` is written with `$$`.",
    ),
    "SL215": (
        "a path of its own",
        "A spec is shared, so it names no files but through its params, and their defaults lie in its own "
        "folder. The person who runs it gives any other path with `--set`.",
    ),
    "SL216": (
        "a word that would do nothing",
        "`over` divides an amount among the rounds of a loop, so it stands in a loop, by a method with an "
        "amount. `seed` stands by a method that draws at random. Delete the word.",
    ),
    "SL217": (
        "a setting is missing",
        "The method has no default for this setting. The hint says what it is.",
    ),
    "SL218": (
        "what does not go together",
        "Each setting is fine alone, and so is each input, but together they leave the method without what "
        "it needs, or ask for what it cannot do. The message says what to change.",
    ),
    "SL219": (
        "the name of a param as a text",
        "A setting holds the name of a param without its `$`, and nothing else uses the param. Write `$name` "
        "for its value. If the text was meant, delete the param or give it another name.",
    ),
    # The types.
    "SL301": (
        "an input is missing",
        "The method needs this port. Wire it under `from`; the hint lists all ports.",
    ),
    "SL302": (
        "values about different data sets",
        "The inputs of a method speak about rows of one data set, unless it joins two. Both places are "
        "shown: find which of them was meant to be about the other data set.",
    ),
    "SL303": (
        "the wrong type of a port",
        "The stage gives another type of value than the port takes. A selection, verdicts and replies may "
        "stand wherever rows may; nothing else is turned into something else without a stage that does "
        "it.",
    ),
    "SL304": (
        "stages in a cycle",
        "Each stage on the path shown waits for the next. Cut the cycle, or make it a `loop`, where a "
        "`carry` hands a value to the next round.",
    ),
    "SL305": (
        "a carry changes its type",
        "What a round hands on is of the type that the round starts from, about the same data set. Both "
        "places are shown.",
    ),
    "SL306": (
        "until compares no metric of the loop",
        "`until` ends a loop by a number that one of its own stages gives: a port of type Metric. The "
        "hint lists those of the stage.",
    ),
    "SL307": (
        "a carry that is always empty",
        "Nothing but carries that are empty leads to it, so no round ever has a value. Hand on what a "
        "stage makes, or give it a `start`.",
    ),
    "SL308": (
        "too many inputs",
        "More is wired than there are ports. Only a port that is a list takes several inputs.",
    ),
    "SL309": (
        "nothing yet in the first round",
        "A carry without `start` has no value in the first round. Selections, rows, scores and verdicts "
        "are empty then; vectors, clusters, weights, models and metrics cannot be, and this port needs "
        "one. Give the carry a `start`.",
    ),
    "SL310": (
        "loops too deep in one another",
        "Loops stand at most four deep, those of recipes included.",
    ),
    # Other specs.
    "SL401": (
        "specs that lead to themselves",
        "A spec that extends or imports itself, by way of others or not, has no end. The message shows "
        "the path.",
    ),
    "SL402": (
        "no such spec",
        "The file or the packaged spec is not there. A path is seen from the folder of the spec that "
        "names it; `selectlang plugins` lists spec packs.",
    ),
    "SL403": (
        "a spec that cannot be named so",
        "A recipe is the name of an entry of `imports`; that entry, as `extends`, is a path from the "
        "folder of the spec, `package:name`, or `{git: URL, rev: REV, path: PATH}`. Or it is a whole spec "
        "written out, as in a record, which extends no other.",
    ),
    "SL404": (
        "too much in one spec",
        "A spec draws in at most 199 others, 20 deep, and has at most 20,000 stages with those of its "
        "recipes; the rounds of its loops come to at most 100,000 calls. Perhaps a recipe is used by another "
        "more often than was meant, or a loop stands in a loop.",
    ),
    "SL405": (
        "a file that is no spec",
        "What `extends` or `imports` names starts with `selectlang: 1`. Nothing of another file is shown: a "
        "spec that was shared must not be able to have your files printed. The record of a run holds a spec "
        "and the values of its params, each of which is a file of its own for a new run.",
    ),
    "SL406": (
        "a git repository that cannot be read",
        "There is no git on this machine, no such repository, tag, branch or commit, no network, or no right "
        "to see it. What was used before by its tag or its commit needs no network.",
    ),
    "SL407": (
        "a source that nobody agreed to",
        "A spec from a git repository is used for the first time. Look at it, then agree: give `--yes`, or "
        "run the command in a terminal, which asks. It is asked once for each repository and person.",
    ),
    # Plugins.
    "SL501": (
        "a method that is broken",
        "A plugin has the method, but it cannot be used; the message says why. Other methods of the "
        "plugin are not touched by it.",
    ),
    "SL502": (
        "a method that is there twice",
        "Two plugins register the same method of the same kind, and which of them was meant is not known. "
        "Uninstall one, or rename the method in it.",
    ),
}
"""A title and a text by code."""
