"""A client of the YAML language server of npm, which VS Code and most other editors run."""

from __future__ import annotations

import json
import queue
import subprocess
import threading
from pathlib import Path
from typing import Any

SERVER = Path(__file__).parent / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
PATIENCE = 60  # seconds, for an answer


class Client:
    """One server, with a schema for all files."""

    def __init__(self, schema: Path, folder: Path) -> None:
        self.settings = {
            "validate": True,
            "hover": True,
            "completion": True,
            "schemaStore": {"enable": False, "url": ""},
            "schemas": {schema.as_uri(): "*.yaml"},
        }
        self.folder = folder
        self.process = subprocess.Popen(
            ["node", str(SERVER), "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.answers: dict[int, queue.Queue[Any]] = {}
        self.diagnostics: dict[str, queue.Queue[list[dict[str, Any]]]] = {}
        self.count = 0
        self.reader = threading.Thread(target=self.listen, daemon=True)
        self.reader.start()
        abilities = {
            "textDocument": {
                "completion": {
                    "completionItem": {"snippetSupport": True, "documentationFormat": ["markdown"]}
                },
                "hover": {"contentFormat": ["markdown"]},
                "publishDiagnostics": {},
            },
            "workspace": {"configuration": True},
        }
        self.ask("initialize", processId=None, rootUri=folder.as_uri(), capabilities=abilities)
        self.tell("initialized")
        self.tell("workspace/didChangeConfiguration", settings={"yaml": self.settings})

    def listen(self) -> None:
        out = self.process.stdout
        assert out is not None
        while header := out.readline():
            size = int(header.split(b":")[1])
            while out.readline().strip():
                pass
            self.hear(json.loads(out.read(size)))

    def hear(self, message: dict[str, Any]) -> None:
        method, number = message.get("method"), message.get("id")
        if method == "workspace/configuration":
            asked = [item.get("section") for item in message["params"]["items"]]
            self.send({"id": number, "result": [self.settings if name == "yaml" else {} for name in asked]})
        elif method == "textDocument/publishDiagnostics":
            found = message["params"]
            self.diagnostics.setdefault(found["uri"], queue.Queue()).put(found["diagnostics"])
        elif method and number is not None:
            self.send({"id": number, "result": None})
        elif number in self.answers:
            self.answers[number].put(message)

    def send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self.process.stdin is not None
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def tell(self, method: str, **params: Any) -> None:
        self.send({"method": method, "params": params})

    def ask(self, method: str, **params: Any) -> Any:
        self.count += 1
        number = self.count
        self.answers[number] = queue.Queue()
        self.send({"id": number, "method": method, "params": params})
        found = self.answers[number].get(timeout=PATIENCE)
        assert "error" not in found, found
        return found["result"]

    def open(self, text: str) -> str:
        """Open a text as a new file; its address."""
        self.count += 1
        uri = (self.folder / f"spec{self.count}.yaml").as_uri()
        self.diagnostics[uri] = queue.Queue()
        self.tell(
            "textDocument/didOpen",
            textDocument={"uri": uri, "languageId": "yaml", "version": 1, "text": text},
        )
        return uri

    def problems(self, text: str) -> list[tuple[int, str]]:
        """What the server marks in a text: the line, from 1, and the message."""
        uri = self.open(text)
        found = self.diagnostics[uri].get(timeout=PATIENCE)
        return [(problem["range"]["start"]["line"] + 1, problem["message"]) for problem in found]

    def completions(self, text: str) -> dict[str, dict[str, Any]]:
        """What the server offers where `|` stands in a text, by label."""
        uri, place = self.at(text)
        found = self.ask("textDocument/completion", textDocument={"uri": uri}, position=place)
        items = found["items"] if isinstance(found, dict) else found or []
        return {item["label"]: item for item in items}

    def hover(self, text: str) -> str:
        """What the server says of what stands after `|`."""
        uri, place = self.at(text)
        found = self.ask("textDocument/hover", textDocument={"uri": uri}, position=place)
        return str(found["contents"]["value"]) if found else ""

    def at(self, text: str) -> tuple[str, dict[str, int]]:
        before = text[: text.index("|")]
        uri = self.open(text.replace("|", "", 1))
        return uri, {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()
        self.reader.join(PATIENCE)
