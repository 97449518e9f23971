#!/usr/bin/env node
// Plain JavaScript on purpose: it must still speak when the Node that runs it is too old for the program itself.
import { main } from './node-version.mjs';

await main();
