// Reads a list of drawings from stdin, and prints what Mermaid finds in each: its nodes and boxes, or an error.
import { readFileSync } from "node:fs";
import DOMPurify from "dompurify";

DOMPurify.addHook = () => {}; // labels are looked at as they are; there is no page to protect
DOMPurify.sanitize = (text) => text;
const mermaid = (await import("mermaid")).default;

const found = [];
for (const text of JSON.parse(readFileSync(0, "utf-8"))) {
  try {
    await mermaid.parse(text);
    const diagram = await mermaid.mermaidAPI.getDiagramFromText(text);
    const { nodes, edges } = diagram.db.getData();
    found.push({
      nodes: Object.fromEntries(nodes.filter((n) => !n.isGroup).map((n) => [n.id, n.label])),
      groups: Object.fromEntries(nodes.filter((n) => n.isGroup).map((n) => [n.id, n.label])),
      edges: edges.map((e) => [e.start, e.end]),
    });
  } catch (error) {
    found.push({ error: String(error.message ?? error) });
  }
}
console.log(JSON.stringify(found));
