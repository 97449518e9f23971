/** The parts of a JSON Schema that sentences and walks need. */
export interface SchemaNode {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly patternProperties?: Readonly<Record<string, SchemaNode>>;
  readonly items?: SchemaNode;
  readonly required?: readonly string[];
  readonly default?: unknown;
  readonly description?: string;
  /** The end of the sentence that a wrong value gets; its subject is the key. */
  readonly errorMessage?: string;
  /** The same for a key that fits none of the patterns. */
  readonly keyErrorMessage?: string;
}

/** The schema of what stands at a path; undefined where nothing may stand. */
export function schemaAt(schema: object, path: readonly string[]): SchemaNode | undefined {
  let node: SchemaNode | undefined = schema;
  for (const segment of path) {
    if (node === undefined) return undefined;
    node = ownMember(node.properties, segment) ?? patternMember(node, segment) ?? node.items;
  }
  return node;
}

/** A key as a sentence may repeat it: what does not look like a name stays unsaid, it could be a misplaced secret. */
export function printableKey(key: string): string {
  return /^[A-Za-z0-9_.-]{1,40}$/.test(key) ? key : '(a key that is no name)';
}

function ownMember(members: SchemaNode['properties'], name: string): SchemaNode | undefined {
  return members !== undefined && Object.hasOwn(members, name) ? members[name] : undefined;
}

function patternMember(node: SchemaNode, name: string): SchemaNode | undefined {
  for (const [pattern, member] of Object.entries(node.patternProperties ?? {})) {
    if (new RegExp(pattern, 'u').test(name)) return member;
  }
  return undefined;
}
