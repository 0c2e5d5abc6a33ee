/** `sweep --once` while it runs: one line that fills up on a terminal, a plain line for each phase elsewhere. */
import type { WriteStream } from 'node:tty';
import type { SweepReport } from '../peers/protocol-reports.ts';
import { escapeControls } from '../system/log-line.ts';
import { formatBytes, plural } from './status-page.ts';

const BAR_LETTERS = 20;
const CLEAR_LINE = '\r\u001b[K';

/** The phase with what has been done so far: `scrubbing   [#####     ]  25 %  3 files fetched`. No longer than `width`. */
export function progressLine(report: SweepReport, width: number): string {
  const { phase, done, total, pulledFiles, pulledBytes, repaired, adopted, scrubbedBytes } = report;
  const share = total > 0 ? Math.min(1, done / total) : null;
  const full = share === null ? 0 : Math.floor(share * BAR_LETTERS);
  const bar =
    share === null
      ? ''
      : `[${'#'.repeat(full)}${' '.repeat(BAR_LETTERS - full)}] ${String(Math.floor(share * 100)).padStart(3)} %`;
  const parts = [
    escapeControls(phase === '' ? 'sweeping' : phase).padEnd(12),
    bar,
    pulledFiles > 0 ? `${plural(pulledFiles, 'file')} fetched (${formatBytes(pulledBytes)})` : '',
    repaired > 0 ? `${repaired} repaired` : '',
    adopted > 0 ? `${adopted} taken over` : '',
    scrubbedBytes > 0 ? `${formatBytes(scrubbedBytes)} checked` : '',
  ].filter((part) => part !== '');
  return parts.join('  ').trimEnd().slice(0, width);
}

export interface SweepProgress {
  readonly show: (report: SweepReport) => void;
  /** Before anything else is written. */
  readonly end: () => void;
}

type Output = Pick<WriteStream, 'write'> & { readonly isTTY?: boolean; readonly columns?: number };

/** On the terminal among the two; results stay alone on standard output when that goes into a file. */
export function showProgress(stdout: Output, stderr: Output): SweepProgress {
  const terminal = stderr.isTTY === true ? stderr : stdout.isTTY === true ? stdout : null;
  if (terminal !== null) {
    let shown = false;
    return {
      show(report) {
        if (report.state !== 'running') return;
        shown = true;
        // One column stays free: a full line would wrap.
        terminal.write(CLEAR_LINE + progressLine(report, (terminal.columns ?? 80) - 1));
      },
      end() {
        if (shown) terminal.write(CLEAR_LINE);
        shown = false;
      },
    };
  }
  let phase = '';
  return {
    show(report) {
      if (report.state !== 'running' || report.phase === phase || report.phase === '') return;
      phase = report.phase;
      stdout.write(`${escapeControls(phase)} ...\n`);
    },
    end: () => undefined,
  };
}
