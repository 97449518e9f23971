import { writeFileSync } from 'node:fs';
import { printDependencyTable } from './dependency-table.ts';

writeFileSync(new URL('../docs/dependencies.md', import.meta.url), printDependencyTable());
