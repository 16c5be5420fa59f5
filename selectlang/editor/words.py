"""What an editor says of each word of the language."""

from __future__ import annotations

TOP = {
    "selectlang": "The version of the language. It stands first.",
    "name": "What the spec is called. A run folder without `--out` is named after it.",
    "doc": "What the spec does, for people.",
    "cite": "What the spec follows: a text, or a list of texts.",
    "extends": "The spec that this one changes: a path, `package:name`, or `{git, rev, path}`.",
    "imports": "Names for other specs, to be used as recipes.",
    "params": "The values that whoever runs the spec may give, with `--set name=value`.",
    "limits": "What language models may take in a run. It ends before a call that could pass a limit.",
    "seed": "A whole number from 0, by default 42. Each stage that draws gets its own from it and its path.",
    "data": "The data sets, by name. The path of each is a param.",
    "stages": "What is done, by name. The order has no meaning: a reference is a dependency.",
    "outputs": "What is written, at least one: names, and the stage or data set that each stands for.",
}
KINDS = {
    "embed": "makes a vector of each row",
    "cluster": "puts rows into clusters",
    "score": "gives each row a number, or one for each target",
    "judge": "gives rows verdicts, by asking a language model",
    "classify": "gives rows verdicts, by a classifier that learns",
    "merge": "makes one value of several",
    "budget": "chooses",
    "generate": "lets a model answer rows",
    "train": "fine-tunes a model on rows",
}
STAGE = {
    "from": "The inputs: one name, a list of names, or a mapping of input to name. A name is a data set, a "
    "stage, a carry, or an output of a stage: `topics.silhouette`.",
    "doc": "For people.",
    "seed": "A seed of its own. Two stages with the same one draw alike.",
    "over": "Inside a loop: divides the amount among so many rounds.",
}
LOOP = {
    "loop": "The number of rounds, at most.",
    "until": "Metrics of the loop's stages that end it before the last round.",
    "carry": "What a round hands to the next. Outside, `loop.name` is what the last round handed on.",
    "stages": "The stages of a round.",
    "doc": "For people.",
}
CARRY = {
    "next": "The value for the next round.",
    "start": "The value for the first round. Without it, that begins with nothing.",
}
UNTIL = {
    "at_least": "Ends the loop when the metric is at least this.",
    "at_most": "Ends the loop when the metric is at most this.",
    "above": "Ends the loop when the metric is above this.",
    "below": "Ends the loop when the metric is below this.",
    "total_at_least": "Ends the loop when the metric, summed over the rounds so far, is at least this.",
    "plateau": "Ends the loop when so many rounds were no higher than the best before them.",
    "within": "Beside `plateau`: a rise that counts for nothing.",
}
RECIPE = {
    "recipe": "The name of an import: its spec is used as one stage.",
    "from": "Rows for the data sets of the recipe: one name, a list, or a mapping by name.",
    "params": "Values for the params of the recipe.",
    "doc": "For people.",
}
PARAM = {
    "type": "What its values are. A list of one type, such as `[int]`, is for a list of values.",
    "default": "Its value where none is given.",
    "doc": "What it is, for people.",
}
TYPES = {
    "path": "the path of a file, a glob, `hf:name`; or a list of them",
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "model": "the name of a model; given with `--set`, also its folder",
    "amount": "how much: rows (`10000`), a share (`20%`), tokens (`5M tokens`)",
}
DATA = {
    "path": "A param of type `path`, or a list of such params.",
    "format": "The format of all files; else the ending of each file says it.",
    "id": "The field that holds the id of a row; else it is a hash of the row.",
    "group": "The field that holds the group of a row, such as its task; `_file` for the name of its file.",
    "columns": "Which fields hold the parts of a conversation; else their names say it.",
    "header": "The names of the columns, where the first line of a file does not have them.",
    "bad_rows": "`error`, or `skip` to leave out rows that cannot be read.",
    "split": "The split of a data set of the Hugging Face hub, by default `train`.",
    "doc": "For people.",
}
LIMITS = {
    "max_cost": "Dollars, at most.",
    "max_calls": "Calls to language models, at most.",
}
SOURCE = {
    "git": "The URL of a git repository: https, ssh or file.",
    "rev": "A tag, a commit, or a branch.",
    "path": "The spec in the repository.",
}
