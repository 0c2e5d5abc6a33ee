/** One line of the report for each measurement, the same in the terminal and in docs/performance.md. */
import { type BenchResult, find, type Measurement } from '../result.ts';
import { median, shown } from '../statistics.ts';

export interface Row {
  readonly workload: string;
  readonly contestant: string;
  readonly value: string;
  readonly spread: string;
  readonly ratio: string;
  readonly cpu: string;
  readonly memory: string;
}

const REFERENCE = 'vsftpd';
/** More members than that are only in the JSON. */
const MOST_PARTS = 4;

/** Better than the reference is always above 1. */
export function ratioTo(reference: Measurement | undefined, measurement: Measurement): number | null {
  if (reference === undefined || reference.contestant === measurement.contestant) return null;
  const [own, other] = [median(measurement.values), median(reference.values)];
  const ratio = measurement.better === 'higher' ? own / other : other / own;
  return Number.isFinite(ratio) && own > 0 && other > 0 ? ratio : null;
}

function cpuOf({ cpuSeconds, cpuByPart, gibibytes }: Measurement): string {
  const total = median(cpuSeconds);
  if (gibibytes === 0) return `${total.toFixed(2)} s`;
  const parts = Object.values(cpuByPart).map((seconds) => (median(seconds) / gibibytes).toFixed(2));
  return `${(total / gibibytes).toFixed(2)} s/GiB${parts.length > 1 && parts.length <= MOST_PARTS ? ` (${parts.join(' + ')})` : ''}`;
}

export function rowsOf(result: BenchResult): Row[] {
  return result.measurements.map((one) => {
    const ratio = ratioTo(find(result, one.workload, REFERENCE), one);
    const { values, unit } = one;
    return {
      workload: one.title,
      contestant: one.contestant,
      value: `${shown(median(values))} ${unit}`,
      spread: `${shown(Math.min(...values))} - ${shown(Math.max(...values))}`,
      ratio: ratio === null ? '' : `${ratio.toFixed(2)} x`,
      cpu: cpuOf(one),
      memory: `${Math.max(0, ...Object.values(one.peakMegabytes)).toFixed(0)} MB`,
    };
  });
}

export function headline(result: BenchResult): string {
  const { date, machine, cores, memoryMegabytes, kernel, node, commit, dirty, loadBefore, runs } = result;
  return (
    `${date.slice(0, 16).replace('T', ' ')} UTC, ${machine}, ${cores} cores, ${memoryMegabytes} MB, ${kernel}, Node.js ${node}, ` +
    `commit ${commit}${dirty ? ' with changes' : ''}, load before ${loadBefore.toFixed(1)}, medians of ${runs} (least - most)`
  );
}

export const explanation =
  "x vsftpd: above 1 is better than vsftpd in the same run. CPU: user and system of all its processes (each member's in brackets, that of a mounted client last). " +
  'Memory: the most that one process held (VmHWM). vsftpd and pyftpdlib do not fsync; Cloudroid does before it says 226.';
