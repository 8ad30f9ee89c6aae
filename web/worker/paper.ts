/**
 * A document for svg.js where there is none: a worker's. It holds elements, attributes and texts and nothing more,
 * which is all that the plots build and write out.
 */
import { registerWindow } from "@svgdotjs/svg.js";

class Leaf {
  readonly nodeType: number;
  readonly nodeName: string;
  nodeValue: string | null;
  readonly childNodes: Leaf[] = [];
  parentNode: Leaf | null = null;

  constructor(nodeType: number, nodeName: string, nodeValue: string | null = null) {
    this.nodeType = nodeType;
    this.nodeName = nodeName;
    this.nodeValue = nodeValue;
  }

  get ownerDocument() {
    return page;
  }
  set textContent(text: string) {
    this.childNodes.splice(0);
    this.appendChild(new Leaf(3, "#text", text));
  }
  appendChild(child: Leaf) {
    return this.insertBefore(child, null);
  }
  insertBefore(child: Leaf, next: Leaf | null) {
    child.parentNode?.removeChild(child);
    const at = next ? this.childNodes.indexOf(next) : this.childNodes.length;
    this.childNodes.splice(at, 0, child);
    child.parentNode = this;
    return child;
  }
  removeChild(child: Leaf) {
    this.childNodes.splice(this.childNodes.indexOf(child), 1);
    child.parentNode = null;
    return child;
  }
}

class Node extends Leaf {
  readonly attributes: { name: string; value: string }[] = [];

  getAttribute(name: string) {
    return this.attributes.find((one) => one.name === name)?.value ?? null;
  }
  hasAttribute(name: string) {
    return this.getAttribute(name) !== null;
  }
  setAttribute(name: string, value: unknown) {
    const found = this.attributes.find((one) => one.name === name);
    if (found) found.value = String(value);
    else this.attributes.push({ name, value: String(value) });
  }
  setAttributeNS(_: string, name: string, value: unknown) {
    this.setAttribute(name, value);
  }
  removeAttribute(name: string) {
    const at = this.attributes.findIndex((one) => one.name === name);
    if (at >= 0) this.attributes.splice(at, 1);
  }
}

const page = {
  createElementNS: (_: string, name: string) => new Node(1, name),
  createTextNode: (text: string) => new Leaf(3, "#text", text),
  documentElement: new Node(1, "html"),
  defaultView: { Node },
};

/** Gives svg.js something to draw on. */
export function registerPaper(): void {
  const window = { document: page, Node, SVGElement: Node };
  registerWindow(window as unknown as Window & typeof globalThis, page as unknown as Document);
}
