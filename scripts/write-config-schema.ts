import { writeFileSync } from 'node:fs';
import { printConfigSchema } from '../src/config/schema/print-schema.ts';

const target = new URL('../config/proxy.schema.json', import.meta.url);
writeFileSync(target, printConfigSchema());
