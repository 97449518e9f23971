import htm from './htm.js';
import { h, render } from './preact.js';

export { useEffect, useMemo, useRef, useState } from './hooks.js';
export { render };

/** Templates become elements; whatever is put into them becomes text, never markup. */
export const html = htm.bind(h);
