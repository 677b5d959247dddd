/** What we use of @xmpp/xml 0.13 (ltx elements); the package ships no types. */
declare module '@xmpp/xml' {
  export class Element {
    constructor(name: string, attrs?: Readonly<Record<string, string>>);
    /** with its prefix */
    name: string;
    parent: Element | null;
    children: (Element | string)[];
    attrs: Record<string, string>;
    /** local name */
    getName(): string;
    /** namespace of the element, looked up through its parents; undefined when unbound */
    getNS(): string | undefined;
    getText(): string;
    append(...nodes: (Element | string)[]): void;
    toString(): string;
  }
}
