"""Scripted roles of an application build: a small shop page in eight tasks, then changes to it; the same on every wire."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field

from tests.fakes.wire_asked import Answering, Asked
from tests.fakes.wire_script import Call, Step

TASKS = (
    ("page", "ui", ()),
    ("style", "style", ()),
    ("data", "data", ()),
    ("cart", "logic", ("data",)),
    ("list", "ui", ("data", "page")),
    ("total", "logic", ("cart",)),
    ("readme", "docs", ()),
    ("check", "test", ("cart", "total")),
)

FILES = {
    "page": ("index.html", "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Corner shop</title>\n"
             "<meta name=\"viewport\" content=\"width=device-width\">\n<link rel=\"stylesheet\" href=\"style.css\"></head>\n"
             "<body><main><h1>Corner shop</h1><ul id=\"list\"></ul></main>\n</body>\n</html>\n"),
    "style": ("style.css", "body {\n  font-family: sans-serif;\n}\n"),
    "data": ("data.js", "export const goods = [{ name: \"Tea\", price: 3 }];\n"),
    "cart": ("cart.js", "import { goods } from \"./data.js\";\n\nexport function add(cart, name) {\n"
             "  return [...cart, goods.find((one) => one.name === name)];\n}\n"),
    "list": ("list.js", "import { goods } from \"./data.js\";\n\nexport function names() {\n  return goods.map((one) => one.name);\n}\n"),
    "total": ("total.js", "export function total(cart) {\n  return cart.reduce((sum, one) => sum + one.price, 0);\n}\n"),
    "readme": ("README.md", "# Corner shop\n\nOpen index.html.\n"),
    "check": ("check.js", "import { total } from \"./total.js\";\n\nexport const sound = total([]) === 0;\n"),
}  # fmt: skip

BROKEN = "export function total(cart) {\n  return cart.reduce((sum, one) => sum + one.price, 0;\n}\n"
_TASK = re.compile(r'<task id="([\w-]+)"')
_ROLES = {
    "You are the test auditor": "testing",
    "You are the verification overseer": "verification",
    "You are the release manager": "deployment",
    "You are the lead. Several": "joined",
    "You are the assistant who finds out": "discovery",
}


def task_in(asked: Asked) -> str:
    """The id of the task that a worker was given."""
    found = _TASK.search(asked.text)
    return found[1] if found else ""


@dataclass(slots=True)
class Roles:
    """`most` is how many workers were at work at once; `failing` is a task whose first conversation the service refuses;
    `broken` one whose first text does not parse. `verdicts` are the overseer's, first to last."""

    failing: str = "list"
    broken: str = "total"
    verdicts: list[str] = field(default_factory=lambda: ["pass"])
    at_work: int = 0
    most: int = 0
    failed: bool = False
    broke: bool = False
    seen: list[str] = field(default_factory=list)
    pause: float = 0.15

    async def __call__(self, asked: Asked) -> Answering:
        role = self._role(asked)
        self.seen.append(role)
        match role:
            case "worker":
                return await self._worker(asked)
            case "planning":
                return json.dumps(self._plan(asked))
            case "joined":
                return json.dumps({"verdict": "pass", "summary": "The parts fit together.", "findings": [NOTE]})
            case "testing":
                return self._report(asked, "pass", [NOTE])
            case "verification":
                verdict = self.verdicts[0]
                answer = self._report(asked, verdict, [FAULT] if verdict == "return" else [])
                reported = not (isinstance(answer, Call) and answer.name != "report")
                if reported and len(self.verdicts) > 1:
                    self.verdicts.pop(0)
                return answer
            case "deployment":
                return json.dumps(RELEASE)
            case _:
                return "# Requirements\n\nA page that lists goods, a cart, and the total of the cart.\n"

    @staticmethod
    def _role(asked: Asked) -> str:
        if "finish_app" in asked.tools:
            return "worker"
        found = next((role for words, role in _ROLES.items() if words in asked.text), "")
        return found or ("planning" if "Tasks (in" in asked.text else "discovery")

    def _plan(self, asked: Asked) -> dict[str, object]:
        update = "Operation: UPDATE" in asked.text
        tasks = [("note", "docs", ())] if update else TASKS
        return {
            "summary": "One page and a few modules.",
            "approach": "Plain HTML and modules.",
            "tasks": [
                {"id": key, "title": f"Write {key}", "type": kind, "description": f"Write the part {key}.", "priority": 2,
                 "needs": list(needs)}
                for key, kind, needs in tasks
            ],
        }  # fmt: skip

    async def _worker(self, asked: Asked) -> Answering:
        self.at_work += 1
        self.most = max(self.most, self.at_work)
        try:
            await asyncio.sleep(self.pause)
            return self._write(asked, task_in(asked))
        finally:
            self.at_work -= 1

    def _write(self, asked: Asked, task: str) -> Answering:
        if task == self.failing and not self.failed:
            self.failed = True
            return Step(status=400)
        if task not in FILES:
            return self._change(asked, task)
        path, text = FILES[task]
        told = asked.last.text if asked.last else ""
        if "Not finished yet" in told:
            return Call("update_file", {"path": path, "edits": [{"old": "one.price, 0;", "new": "one.price, 0);"}]})
        if not asked.done("create_file"):
            broken = task == self.broken and not self.broke
            self.broke = self.broke or broken
            return [f"Writing {path}.", Call("create_file", {"path": path, "content": BROKEN if broken else text})]
        return Call("finish_app", {"summary": f"Wrote {path}.", "changelog": f"- {path}", "follow_ups": None})

    @staticmethod
    def _change(asked: Asked, task: str) -> Answering:
        """A change to what is there: the README gets a line, after it was read."""
        if asked.done("update_file"):
            return Call("finish_app", {"summary": f"Did {task}.", "changelog": f"- {task}", "follow_ups": None})
        if not asked.done("read_file"):
            return Call("read_file", {"path": "README.md", "start_line": None, "end_line": None})
        text = asked.last.text if asked.last else ""
        count = text.count("Changed:") + 1
        edit = {"old": "Open index.html.", "new": f"Open index.html.\n\nChanged: {task} {count}."}
        return Call("update_file", {"path": "README.md", "edits": [edit]})

    @staticmethod
    def _report(asked: Asked, verdict: str, findings: list[dict[str, object]]) -> Answering:
        report = {"verdict": verdict, "summary": f"Looked at {len(asked.results)} results.", "findings": findings}
        if "read_file" not in asked.tools:
            return json.dumps(report)
        if not asked.done("list_files"):
            return Call("list_files", {"folder": None})
        return Call("report", report)


NOTE: dict[str, object] = {
    "severity": "note", "path": "index.html", "line": 1, "rule": "naming", "message": "The title could say more.",
    "suggestion": "Name the street.", "quote": "",
}  # fmt: skip
FAULT: dict[str, object] = {
    "severity": "error", "path": "README.md", "line": 1, "rule": "requirement", "message": "The readme says nothing of the cart.",
    "suggestion": "Add a sentence.", "quote": "",
}  # fmt: skip
RELEASE: dict[str, object] = {
    "bump": "minor", "title": "The corner shop opens", "summary": "A page, a cart and a total.",
    "changelog": "- The page\n- The cart", "commit_message": "Open the corner shop\n\nA page, a cart and a total.",
    "follow_ups": [{"title": "Deploy it", "why": "Nobody can visit it yet."}],
}  # fmt: skip

respond = Roles()
