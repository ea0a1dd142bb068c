"""Rows of the keymap for work on an application: its board, files, findings, tool log, versions, audit trail and publishing."""

from __future__ import annotations

Given = tuple[str, str, str, str, str, int, str, str]
"""Id, keys, label, scopes, group, place in the footer, help, words."""

APP_ROWS: tuple[Given, ...] = (
    ("tasks", "t", "tasks", "workbench", "Application", 26, "the tasks of this change: edit, drop, reorder, add", "board plan"),
    ("files", "f", "files", "workbench", "Application", 27, "the application's files, what changed in each", "tree diff"),
    ("findings", "F", "findings", "workbench", "Application", 28, "what checks and reviewers found; settle it here", "problems"),
    ("send_back", "B", "send back", "workbench", "Review", 13, "send the work back with the open findings and a note", "return"),
    ("tools", "T", "tool log", "workbench", "Application", 29, "every call of a tool, with arguments and result", "calls"),
    ("versions", "V", "versions", "workbench", "Application", 30, "versions: compare, restore, undo", "restore undo"),
    ("audit", "A", "audit trail", "workbench", "Application", 0, "every step, message and handoff of this change", "history log"),
    ("publish", "P", "publish", "workbench", "Application", 31, "where versions go: plan, carry out, follow-ups", "deploy ship"),
    ("metrics", "", "metrics", "workbench", "Application", 0, "how the changes went: success, time, tries, tools", "statistics"),
    ("check", "R", "run check", "workbench", "Application", 0, "run the project's check command, once it is allowed", "test"),
    ("check.forbid", "", "forbid check", "workbench", "Application", 0, "take back the yes to the check command", "disallow"),
    ("tab.build", "5", "progress", "workbench", "Inspector", 0, "how far this change is, and what is next", "phases"),
    ("rows.open", "enter", "enlarge", "rows", "Lists", 3, "read the row over the whole screen", "open zoom"),
    ("rows.pane", "tab", "other side", "rows", "Lists", 7, "move in the list, or in the text beside it", ""),
    ("tasks.edit", "e i", "edit", "tasks", "Tasks", 1, "change title, type, priority, needs and description", ""),
    ("tasks.new", "o", "new task", "tasks", "Tasks", 2, "a task at the end of the board", "add"),
    ("tasks.drop", "D", "drop or take", "tasks", "Tasks", 4, "drop the task; on a dropped one, take it in again", "leave out"),
    ("tasks.down", "J", "move down", "tasks", "Tasks", 5, "the task one place down", "reorder"),
    ("tasks.up", "K", "move up", "tasks", "Tasks", 6, "the task one place up", "reorder"),
    ("files.text", "t o", "text or diff", "files findings", "Files", 2, "the whole text, or what changed in it", ""),
    ("files.changed", ".", "changed only", "files", "Files", 4, "all files, or those that changed", "filter"),
    ("findings.waive", "w", "waive", "findings", "Findings", 1, "let it be, with a reason", "settle"),
    ("findings.intended", "I", "intended", "findings", "Findings", 4, "it is meant to be so, with a reason", "settle"),
    ("findings.false", "x", "false alarm", "findings", "Findings", 5, "there is nothing wrong", "settle"),
    ("findings.take", "T", "take theirs", "findings", "Findings", 1, "the worker's text in place of yours; first shown", "conflict"),
    ("findings.mine", "M", "keep mine", "findings", "Findings", 2, "your text stays; workers may write the file again", "conflict"),
    ("findings.reopen", "u", "open again", "findings", "Findings", 6, "take back what was decided", "undo"),
    ("findings.all", ".", "all", "findings", "Findings", 8, "open ones only, or also those that are settled", "filter"),
    ("tools.problems", ".", "refused only", "tools", "Tool log", 2, "all calls, or those that did not work", "filter errors"),
    ("versions.mark", "m", "compare with", "versions", "Versions", 1, "compare others with this one", "compare"),
    ("versions.restore", "R", "restore", "versions", "Versions", 2, "the files as they were then; shows the difference first", ""),
    ("versions.undo", "u", "undo newest", "versions", "Versions", 4, "take the newest version back; shows the difference first", ""),
    ("versions.approve", "a", "approve", "versions", "Versions", 6, "let a version that you saved go out", "publish"),
    ("versions.save", "S", "save yours", "versions", "Versions", 5, "make a version of what you changed in the files", "snapshot"),
    ("publish.plan", "p", "plan", "publish", "Publish", 1, "what publishing to this target would do", ""),
    ("publish.apply", "a", "carry out", "publish", "Publish", 2, "do what the plan says", "publish deploy"),
    ("publish.take", "o", "make a change", "publish", "Publish", 4, "make a change of this offer", "follow-up"),
)  # fmt: skip
APP_IDS = frozenset(row[0] for row in APP_ROWS)
"""What a project without files has no use for."""
