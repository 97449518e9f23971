import Type, { type Static } from 'typebox';
import { Compile } from 'typebox/compile';
import { buildCatalogue, type Catalogue, type CatalogueFile } from '../core/catalogue/catalogue.ts';
import { PERMISSIONS } from '../core/catalogue/permission.ts';
import { UPSTREAM_NAMES } from '../core/upstream.ts';
import { type CatalogueText, readCatalogueTexts } from './catalogue-files.ts';

const STRICT = { additionalProperties: false } as const;
const Name = Type.String({ minLength: 1 });
const Names = Type.Array(Name, { minItems: 1, uniqueItems: true });
const PermissionName = Type.Enum(PERMISSIONS);
const UpTo = Type.Array(Type.Tuple([Type.Integer(), Type.Integer()]), { minItems: 1 });

const Step = Type.Union([
  Type.Object({ has: Name, w: Type.Integer() }, STRICT),
  Type.Object(
    { eq: Type.Unsafe<[string, ...string[]]>(Type.Array(Name, { minItems: 2 })), w: Type.Integer() },
    STRICT,
  ),
  Type.Object({ limit: UpTo, default: Type.Integer() }, STRICT),
  Type.Object({ count: Name, each: Type.Integer(), cap: Type.Integer() }, STRICT),
  Type.Object({ countSteps: Name, steps: UpTo, over: Type.Integer() }, STRICT),
  Type.Object({ w: Type.Integer() }, STRICT),
]);
const WeightRule = Type.Union([Type.Integer(), Type.Array(Step, { minItems: 1 })]);

const Entry = Type.Object(
  {
    method: Type.Enum(['GET', 'POST', 'PUT', 'DELETE']),
    path: Name,
    webSocket: Type.Optional(Name),
    webSocketIp: Type.Optional(WeightRule),
    security: Type.Enum(['NONE', 'APIKEY', 'SIGNED']),
    securityType: Name,
    permission: PermissionName,
    touches: Type.Optional(Type.Enum(['symbol', 'account', 'orders', 'nothing'])),
    ip: Type.Optional(WeightRule),
    uid: Type.Optional(WeightRule),
    orders: Type.Optional(Type.Record(Type.String(), Type.Integer())),
    effect: Type.Optional(Type.Enum(['place', 'amend', 'cancel', 'none'])),
    orderShape: Type.Optional(
      Type.Enum([
        'single',
        'cancel-replace',
        'oco',
        'order-list-oco',
        'oto',
        'otoco',
        'opo',
        'opoco',
        'batch',
        'amend',
        'amend-batch',
        'algo',
        'convert',
        'equity',
      ]),
    ),
    clientOrderIds: Type.Optional(Names),
    repeatable: Type.Optional(Names),
    raised: Type.Optional(
      Type.Object({ parameter: Name, harmless: Type.Array(Name), permission: PermissionName }, STRICT),
    ),
    extraLimit: Type.Optional(Name),
    retired: Type.Optional(Type.Object({ date: Name, instead: Name }, STRICT)),
  },
  STRICT,
);

const File = Type.Object(
  { product: Name, upstream: Type.Enum(UPSTREAM_NAMES), endpoints: Type.Array(Entry, { minItems: 1 }) },
  STRICT,
);

const file = Compile(File);

/** The catalogue that comes with the program, once it was read; it is frozen. */
let shipped: Catalogue | undefined;

/**
 * Reads every file of the catalogue that comes with the program and builds it, once in a process.
 * @throws Error that lists every problem of the whole set, or names the file that is no JSON
 */
export function loadCatalogue(directory?: URL): Catalogue {
  if (directory !== undefined) return buildFrom(readCatalogueTexts(directory));
  shipped ??= buildFrom(readCatalogueTexts());
  return shipped;
}

function buildFrom(texts: readonly CatalogueText[]): Catalogue {
  if (texts.length === 0) throw new Error('The catalogue is empty: no JSON file is in its folder.');
  const problems: string[] = [];
  const files: CatalogueFile[] = [];
  for (const text of texts) {
    const { name } = text;
    const value = parse(text);
    if (file.Check(value)) files.push(toFile(value));
    else
      for (const { instancePath, message } of file.Errors(value))
        problems.push(`${name}${instancePath}: ${message}`);
  }
  if (problems.length > 0) throw new Error(`The catalogue has problems:\n- ${problems.join('\n- ')}`);
  return buildCatalogue(files);
}

/** The compiler proves here that the schema and the type say the same. */
function toFile(value: Static<typeof File>): CatalogueFile {
  return value;
}

function parse({ name, text }: CatalogueText): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new Error(`The catalogue file ${name} is no JSON.`, { cause });
  }
}
