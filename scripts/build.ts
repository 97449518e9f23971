import { parseArgs } from 'node:util';
import { buildProgram } from './build-program.ts';

/** `node scripts/build.ts [--dir FOLDER]`: writes what the image runs, into dist/ unless told otherwise. */
const { values } = parseArgs({ options: { dir: { type: 'string', default: 'dist' } } });
const { files, packages } = await buildProgram(values.dir);
console.log(`${files} files with parts of ${packages} packages in ${values.dir}`);
