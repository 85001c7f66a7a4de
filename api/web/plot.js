/** Plots: bars of figures, each with its value; the table beside them has the same. */

import {html, svg} from './vendor/lit.js';

/** Bars of rows {label, value, shown}, as wide as there is room. */
export function bars(rows, title) {
  const width = 900;
  const line = 20;
  const left = 230;
  const most = Math.max(...rows.map(({value}) => value), 0) || 1;
  return html`<svg class="plot" role="img" aria-label=${title} viewBox=${`0 0 ${width} ${rows.length * line + 6}`}>
    ${rows.map(({label, value, shown}, i) => svg`
      <text x=${left - 8} y=${i * line + 15} text-anchor="end">${label.length > 38 ? label.slice(0, 37) + '…' : label}</text>
      <rect x=${left} y=${i * line + 4} width=${Math.max(((width - left - 90) * value) / most, 1)} height=${line - 6} rx="2"></rect>
      <text x=${left + ((width - left - 90) * value) / most + 6} y=${i * line + 15}>${shown}</text>`)}
  </svg>`;
}
