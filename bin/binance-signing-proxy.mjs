#!/usr/bin/env node
// Plain JavaScript on purpose: any Node from 18 on reads this file, and hands over to the Node that the program needs.
import { launch } from './launch.mjs';

await launch(process.argv.slice(2));
