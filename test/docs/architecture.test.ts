import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface ImportRule {
  readonly includes: readonly string[];
  readonly linter?: {
    readonly rules?: {
      readonly style?: {
        readonly noRestrictedImports?: {
          readonly options: { readonly patterns: readonly { readonly group: readonly string[] }[] };
        };
      };
    };
  };
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const page = read('docs/architecture.md');
const { overrides } = JSON.parse(read('biome.json')) as { readonly overrides: readonly ImportRule[] };

/** What stands between a heading of the second level and the next one. */
function section(heading: string): string {
  const [, rest = ''] = page.split(`\n## ${heading}\n`);
  return rest.split('\n## ')[0] ?? '';
}

function codeBlocks(text: string): string[] {
  return [...text.matchAll(/^```\n([\s\S]*?)^```$/gm)].map(([, block]) => block ?? '');
}

/** Every folder below one, by its path from there, with a slash behind it. */
function foldersBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isDirectory())
    .map(({ parentPath, name }) => `${join(parentPath, name).slice(join(root, folder).length + 1)}/`)
    .filter((path) => !path.includes('node_modules/'))
    .sort();
}

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
}

/** The folders that an indented tree names, each with its path from the first line. */
function treeFolders(block: string): string[] {
  const above: string[] = [];
  const folders: string[] = [];
  for (const line of block.split('\n')) {
    const [, indent = '', name] = /^( *)([\w-]+\/) /.exec(line) ?? [];
    if (name === undefined) continue;
    above.splice(indent.length / 2, above.length, name);
    folders.push(above.slice(1).join(''));
  }
  return folders.filter((folder) => folder !== '').sort();
}

const rooms = readdirSync(join(root, 'src'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name);
const [tree = '', floorLine = ''] = codeBlocks(section('The rooms'));
/** The rooms from the top; those of one floor stand together. */
const floors = floorLine
  .trim()
  .split(' → ')
  .map((floor) => floor.split(', '))
  .filter(([first]) => first !== 'main');
const sentence = (/^> (.+)$/m.exec(section('The sentence'))?.[1] ?? '').split(' → ');

function importRulesOf(includes: string): string[] {
  return overrides
    .filter((override) => override.includes.includes(includes))
    .flatMap(({ linter }) => linter?.rules?.style?.noRestrictedImports?.options.patterns ?? [])
    .flatMap(({ group }) => group);
}

describe('the tree and the rooms', () => {
  it('The tree of the architecture page names exactly the folders below src', () => {
    expect(treeFolders(tree)).toEqual(foldersBelow('src'));
  });

  it('The floors of the architecture page name every room but the simulator once', () => {
    expect(floors.flat().sort()).toEqual(rooms.filter((room) => room !== 'simulator').sort());
  });

  it('The table of rules on the architecture page has one row for each room', () => {
    const rows = [...section('The rooms').matchAll(/^\| `([\w-]+)`/gm)].map(([, room]) => room);
    expect(rows.sort()).toEqual([...rooms].sort());
  });

  it.each(['src', 'test', 'bench'])('No folder of %s has more than 15 files', (top) => {
    const counts = ['', ...foldersBelow(top)].map((folder) => [
      join(top, folder),
      filesIn(join(top, folder)).length,
    ]);
    expect(counts.filter(([, count]) => Number(count) > 15)).toEqual([]);
  });

  it('No two files of src outside of commands and the simulator have the same name', () => {
    const names = ['', ...foldersBelow('src')]
      .filter((folder) => !/^(?:commands|simulator)\//.test(folder))
      .flatMap((folder) => filesIn(join('src', folder)))
      .map((name) => name.replace(/\..*$/, ''));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

describe('the borders between rooms', () => {
  // Only main stands above commands; core and the simulator are held by their folders, see below.
  const ruled = floors.slice(1).flat();

  it.each(ruled.filter((room) => room !== 'core'))(
    'The linter keeps %s from importing a room above it or beside it',
    (room) => {
      const floor = floors.findIndex((each) => each.includes(room));
      const others = floors.slice(0, floor + 1).flat();
      const forbidden = [...others.filter((other) => other !== room), 'simulator'];
      const needed = forbidden.flatMap((other) => [`../${other}/**`, `../../${other}/**`]);
      expect(importRulesOf(`src/${room}/**`)).toEqual(expect.arrayContaining(needed));
    },
  );

  it('The linter keeps every folder of core from importing a room, and the lower from the higher', () => {
    const order = [
      ...(/from the bottom: ([\w, \n]+)\./.exec(section('The rooms'))?.[1] ?? '').matchAll(/\w+/g),
    ];
    const names = order.map(([name]) => name);
    expect([...names].sort()).toEqual(foldersBelow('src/core').map((folder) => folder.slice(0, -1)));
    for (const [index, name] of names.entries()) {
      const higher = names.slice(index + 1).map((each) => `../${each}/**`);
      expect(importRulesOf(`src/core/${name}/**`)).toEqual(expect.arrayContaining(['../../**', ...higher]));
    }
    const folders = names.map((name) => `./${name}/**`);
    expect(importRulesOf('src/core/*.ts')).toEqual(expect.arrayContaining(['../**', ...folders]));
  });

  it('The linter keeps the simulator from importing anything outside of it, however deep the file lies', () => {
    const depths = ['', ...foldersBelow('src/simulator')].map((folder) => folder.split('/').length - 1);
    for (let depth = 0; depth <= Math.max(...depths); depth++) {
      const rules = importRulesOf(`src/simulator/${'*/'.repeat(depth)}*.ts`);
      expect(rules).toContain(`${'../'.repeat(depth + 1)}**`);
    }
  });

  it('The linter counts types when it looks for circles of imports', () => {
    expect(read('biome.json')).toMatch(
      /"noImportCycles": \{\s*"level": "error",[\s\S]*?"ignoreTypes": false/,
    );
  });
});

describe('the sentence', () => {
  it('The sentence has the words of the steps', () => {
    const wired = [...read('src/pipeline/wire-pipeline.ts').matchAll(/^ {4}(\w+): create(\w+)\(/gm)];
    const steps = wired.map(([, name]) => name);
    expect(sentence.filter((word) => word !== 'identify')).toEqual(steps);
    expect(wired.map(([, , creator]) => creator?.toLowerCase())).toEqual(steps);
  });

  it('Every word of the sentence but identify is a file of the pipeline, or of its clients, that makes the step', () => {
    for (const word of sentence.filter((each) => each !== 'identify')) {
      const creator = `create${word[0]?.toUpperCase()}${word.slice(1)}`;
      const room = word === 'admit' ? 'pipeline/clients' : 'pipeline';
      expect(read(`src/${room}/${word}.ts`)).toContain(`export function ${creator}(`);
    }
  });

  it('Identify is a function of the clients of the pipeline', () => {
    expect(sentence).toContain('identify');
    expect(read('src/pipeline/clients/identify.ts')).toContain('export function identify(');
  });

  it('The comment above forward says the sentence of the architecture page', () => {
    const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\nexport function forwardRoute/.exec(
      read('src/http/forward.ts'),
    );
    expect(comment?.[1]).toContain(`: ${sentence.join(' → ')} `);
  });

  it.each([
    ['src/http/forward.ts', 'async function forward('],
    ['src/websocket/api/api-socket.ts', 'async #forward('],
  ])('A call in %s takes the steps in the order of the sentence', (path, start) => {
    const [, body = ''] = read(path).split(start);
    const places = sentence.map((word) => body.search(new RegExp(`\\b${word}(?:\\.\\w+)?\\(`)));
    expect(places).not.toContain(-1);
    expect([...places].sort((a, b) => a - b)).toEqual(places);
  });

  it('The table of the steps has one row for each word of the sentence', () => {
    const rows = [...section('The sentence').matchAll(/^\| ([a-z]+) /gm)].map(([, word]) => word);
    expect(rows.filter((word) => word !== 'step' && word !== 'carrier')).toEqual(sentence);
  });
});

describe('the walks', () => {
  const walks = codeBlocks(section('Four walks')).map(
    (block): readonly string[] => block.match(/[\w./-]+\.ts\b/g) ?? [],
  );

  it('The architecture page has four walks', () => {
    expect(walks).toHaveLength(4);
    expect(walks.filter((files) => files.length < 20)).toEqual([]);
  });

  it('Every file of a walk exists', () => {
    expect(walks.flat().filter((file) => !existsSync(join(root, 'src', file)))).toEqual([]);
  });

  it('No walk names a file twice', () => {
    for (const files of walks)
      expect(files.filter((file, index) => files.indexOf(file) !== index)).toEqual([]);
  });

  it('Every walk passes reserve, attempt and finish in this order', () => {
    const steps = ['reserve', 'attempt', 'finish'].map((step) => `pipeline/${step}.ts`);
    for (const files of walks) expect(files.filter((file) => steps.includes(file))).toEqual(steps);
  });
});

describe('the decisions', () => {
  const folder = 'docs/decisions';
  const records = filesIn(folder).filter((name) => name !== 'README.md');
  const index = [...read(`${folder}/README.md`).matchAll(/\((\d{4}-[\w-]+\.md)\) \| .+ \| (\S+) \|$/gm)];

  it('The index names every decision once, in the order of their numbers', () => {
    expect(index.map(([, name]) => name)).toEqual(records.sort());
  });

  it('The numbers of the decisions have no gap', () => {
    expect(records.map((name) => Number(name.slice(0, 4)))).toEqual(records.map((_, place) => place + 1));
  });

  it('Every decision has its number, the date of the index, and the same four parts', () => {
    for (const [, name = '', date = ''] of index) {
      const text = read(join(folder, name));
      expect(text).toMatch(new RegExp(`^# ${Number(name.slice(0, 4))}\\. .+\\n\\n${date}\\n`));
      const parts = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
      expect(parts).toEqual(['Context', 'Decision', 'Refused', 'Consequences']);
    }
  });
});

describe('what the pages point to', () => {
  const pages = [
    'docs/architecture.md',
    'CONTRIBUTING.md',
    ...filesIn('docs/decisions').map((name) => `docs/decisions/${name}`),
  ];

  it.each(pages)('Every file and folder that %s names in code exists', (path) => {
    const named = [...read(path).matchAll(/`((?:src|config|test|docs)\/[\w./-]+)`/g)].map(([, name]) => name);
    expect(named.filter((name = '') => !existsSync(join(root, name)))).toEqual([]);
  });

  it.each(pages)('Every link of %s leads to a file, and to a heading of it', (path) => {
    for (const [, target = '', heading] of read(path).matchAll(/\]\(([^):#]*)(?:#([\w-]+))?\)/g)) {
      const file = target === '' ? path : join(path, '..', target);
      expect(existsSync(join(root, file)), `${path}: ${file}`).toBe(true);
      if (heading === undefined) continue;
      const headings = [...read(file).matchAll(/^#+ (.+)$/gm)].map(([, title]) => slug(title ?? ''));
      expect(headings, `${basename(file)}#${heading}`).toContain(heading);
    }
  });
});

/** The anchor that GitHub gives a heading. */
function slug(title: string): string {
  return title
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replaceAll(' ', '-');
}
