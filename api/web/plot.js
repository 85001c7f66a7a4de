/** Plots: bars, steps and columns of figures, each with its value; the table beside them has the same. */

import {html, nothing, svg} from './vendor/lit.js';

const WIDTH = 640;
const LEFT = 42;

/** Every how manyth of some labels has room: on a phone letters are larger beside the plot. */
const every = labels => Math.ceil(labels / (matchMedia('(max-width: 640px)').matches ? 5 : 10));

/** Bars of rows {label, value, shown}, as wide as there is room. */
export function bars(rows, title) {
  const width = 900;
  const line = 20;
  const left = 230;
  const most = Math.max(...rows.map(({value}) => value), 0) || 1;
  return html`<svg class="plot bars" role="img" aria-label=${title} viewBox=${`0 0 ${width} ${rows.length * line + 6}`}>
    ${rows.map(({label, value, shown}, i) => svg`
      <text x=${left - 8} y=${i * line + 15} text-anchor="end">${label.length > 38 ? label.slice(0, 37) + '…' : label}</text>
      <rect x=${left} y=${i * line + 4} width=${Math.max(((width - left - 90) * value) / most, 1)} height=${line - 6} rx="2"></rect>
      <text x=${left + ((width - left - 90) * value) / most + 6} y=${i * line + 15}>${shown}</text>`)}
  </svg>`;
}

/** A height for values up to `most`, with round lines across. */
function scale(values, top, bottom) {
  const most = Math.max(0, ...values);
  const rough = Math.max(most, 1) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const isWhole = values.every(Number.isInteger);
  const step = [1, 2, 2.5, 5, 10].map(n => n * power).find(n => n >= rough && (!isWhole || Number.isInteger(n)));
  const end = Math.ceil(Math.max(most, step) / step) * step;
  const y = value => bottom - ((bottom - top) * value) / end;
  const lines = Array.from({length: Math.round(end / step) + 1}, (_, i) => +(i * step).toFixed(2));
  return {y, lines: svg`${lines.map(value => svg`<line x1=${LEFT} x2=${WIDTH} y1=${y(value)} y2=${y(value)}></line><text x=${LEFT - 6} y=${y(value) + 4} text-anchor="end">${value}</text>`)}`};
}

/** Columns side by side at each of the rows {label, values}, and over them a line that changes in steps: {name, values}. A bed
 * is taken or free from one moment to another, so nothing is drawn between two values but a step. */
export function columns(rows, {title, names = [], line = null}) {
  const bottom = 150;
  const {y, lines} = scale([...rows.flatMap(({values}) => values), ...(line?.values ?? [])], 10, bottom);
  const room = (WIDTH - LEFT) / rows.length;
  const x = i => LEFT + i * room;
  const width = names.length ? (room * 0.8) / names.length : 0;
  const nth = every(rows.length);
  return html`<svg class="plot" role="img" aria-label=${title} viewBox=${`0 0 ${WIDTH} ${bottom + 22}`}>
    ${lines}
    ${rows.map(({label, values}, i) => svg`${values.map((value, n) => value ? svg`<rect class=${`s${n}`} x=${x(i) + room * 0.1 + n * width} y=${y(value)} width=${width} height=${bottom - y(value)} rx="1"><title>${label}: ${value} ${names[n] ?? ''}</title></rect>` : nothing)}
      ${i % nth ? nothing : svg`<text x=${x(i) + room / 2} y=${bottom + 16} text-anchor="middle">${label}</text>`}`)}
    ${line ? svg`<path class="step" d=${'M' + line.values.map((value, i) => `${x(i)} ${y(value)}H${x(i + 1)}`).join('L')}></path>` : nothing}
  </svg>
  ${names.length + (line ? 1 : 0) > 1 ? html`<p class="legend">${names.map((name, n) => html`<span class=${`s${n}`}>${name}</span>`)}${line ? html`<span class="step">${line.name}</span>` : nothing}</p>` : nothing}`;
}

/** What holds from one moment to the next, as a line of steps over the time between two moments. */
export function stairs(points, {title, from, to, days, most = 0, isSmall = false}) {
  const bottom = isSmall ? 110 : 150;
  const {y, lines} = scale([most, ...points.map(({value}) => value)], 10, bottom);
  const x = at => LEFT + ((WIDTH - LEFT) * (Math.min(Math.max(at, from), to) - from)) / (to - from);
  const nth = every(days.length);
  return html`<svg class="plot" role="img" aria-label=${title} viewBox=${`0 0 ${WIDTH} ${bottom + (isSmall ? 6 : 22)}`}>
    ${isSmall ? svg`<line x1=${LEFT} x2=${WIDTH} y1=${bottom} y2=${bottom}></line>` : lines}
    ${days.map(({at, label}, i) => svg`<line class="day" x1=${x(at)} x2=${x(at)} y1="10" y2=${bottom}></line>${i % nth ? nothing : svg`<text x=${x(at) + 3} y=${bottom + 16}>${label}</text>`}`)}
    <path class="step" d=${points.map(({at, value}, i) => (i ? `H${x(at)}V${y(value)}` : `M${x(at)} ${y(value)}`)).join('') + `H${x(to)}`}></path>
  </svg>`;
}
