/**
 * The goals of issue 6, as ratios within one run, and whether a result meets them. Those in files a second were set on another
 * machine: beside each stands what it was there of vsftpd's, which tells more on this one.
 */
import { type BenchResult, find, type Measurement } from './result.ts';
import { median, shown } from './statistics.ts';

export interface Goal {
  readonly name: string;
  readonly text: string;
  /** Null: not measured in this run. */
  readonly measured: (result: BenchResult) => number | null;
  readonly least?: number;
  readonly most?: number;
}

export interface Verdict {
  readonly goal: Goal;
  readonly measured: string;
  readonly met: boolean | null;
}

type Figure = (of: Measurement) => number;

const value: Figure = ({ values }) => median(values);
const cpuPerGibibyte: Figure = ({ cpuSeconds, gibibytes }) => median(cpuSeconds) / gibibytes;

function figure(workload: string, contestant: string, take: Figure = value): Goal['measured'] {
  return (result) => {
    const found = find(result, workload, contestant);
    return found === undefined ? null : take(found);
  };
}

function ratio(one: Goal['measured'], other: Goal['measured']): Goal['measured'] {
  return (result) => {
    const [above, below] = [one(result), other(result)];
    return above === null || below === null ? null : above / below;
  };
}

function proxyPeak({ peakMegabytes }: Measurement): number {
  return peakMegabytes['cloudroid-proxy'] ?? Number.NaN;
}

const [one, three, nine] = ['cloudroid-1', 'cloudroid-3', 'cloudroid-9'];
const vsftpdList = figure('list', 'vsftpd');

export const goals: readonly Goal[] = [
  {
    name: 'big-up',
    text: 'upload of the big file, one member: of vsftpd',
    measured: ratio(figure('big-up', one), figure('big-up', 'vsftpd')),
    least: 0.5,
  },
  {
    name: 'big-down',
    text: 'download of the big file, one member: of vsftpd',
    measured: ratio(figure('big-down', one), figure('big-down', 'vsftpd')),
    least: 0.5,
  },
  {
    name: 'cpu-up',
    text: 'CPU s per GiB uploaded, one member',
    measured: figure('big-up', one, cpuPerGibibyte),
    most: 2,
  },
  {
    name: 'cpu-down',
    text: 'CPU s per GiB downloaded, one member',
    measured: figure('big-down', one, cpuPerGibibyte),
    most: 1,
  },
  {
    name: 'big-up-3',
    text: 'upload to three members on one machine: of vsftpd to one',
    measured: ratio(figure('big-up', three), figure('big-up', 'vsftpd')),
    least: 0.12,
  },
  {
    name: 'net100-3',
    text: 'behind 100 Mbit/s until all hold it: 3 members, times one',
    measured: ratio(figure('net100-big', three), figure('net100-big', one)),
    most: 1.05,
  },
  {
    name: 'net100-9',
    text: 'behind 100 Mbit/s until all hold it: 9 members, times one',
    measured: ratio(figure('net100-big', nine), figure('net100-big', one)),
    most: 1.15,
  },
  {
    name: 'small-up',
    text: 'small files up, one member, files/s',
    measured: figure('small-up', one),
    least: 600,
  },
  {
    name: 'small-up-ratio',
    text: 'the same, of vsftpd (600 of its 2,314 where the goals were set)',
    measured: ratio(figure('small-up', one), figure('small-up', 'vsftpd')),
    least: 0.26,
  },
  {
    name: 'small-down',
    text: 'small files down, one member, files/s',
    measured: figure('small-down', one),
    least: 1500,
  },
  {
    name: 'small-down-ratio',
    text: 'the same, of vsftpd (1,500 of its 2,546)',
    measured: ratio(figure('small-down', one), figure('small-down', 'vsftpd')),
    least: 0.59,
  },
  {
    name: 'small-up-3',
    text: 'small files up, three members, files/s',
    measured: figure('small-up', three),
    least: 300,
  },
  {
    name: 'small-up-3-ratio',
    text: 'the same, of vsftpd with one copy (300 of its 2,314)',
    measured: ratio(figure('small-up', three), figure('small-up', 'vsftpd')),
    least: 0.13,
  },
  {
    name: 'small-gluster',
    text: 'small files to three behind 100 Mbit/s: times the time of GlusterFS',
    measured: ratio(figure('net100-small', three), figure('net100-small', 'glusterfs-3')),
    most: 1,
  },
  {
    name: 'small8-up-3',
    text: 'small files up, 8 sessions, three members, files/s',
    measured: figure('small8-up', three),
    least: 600,
  },
  {
    name: 'list',
    text: "LIST, times vsftpd's LIST",
    measured: ratio(figure('list', one), vsftpdList),
    most: 1.5,
  },
  {
    name: 'mlsd',
    text: "MLSD, times vsftpd's LIST",
    measured: ratio(figure('mlsd', one), vsftpdList),
    most: 1.5,
  },
  {
    name: 'login',
    text: "login + PWD + QUIT, times vsftpd's",
    measured: ratio(figure('login', one), figure('login', 'vsftpd')),
    most: 1,
  },
  { name: 'noop', text: 'NOOP, ms', measured: figure('noop', one), most: 0.1 },
  {
    name: 'proxy-memory',
    text: 'most memory of the proxy while the big file goes to three, MB',
    measured: figure('big-up', three, proxyPeak),
    most: 120,
  },
  {
    name: 'idle-memory',
    text: 'memory of idle sessions on top, MB',
    measured: figure('idle-sessions', one),
    most: 30,
  },
];

/** In the order of the issue. */
export function judge(result: BenchResult): Verdict[] {
  return goals.map((goal) => {
    const measured = goal.measured(result);
    if (measured === null || !Number.isFinite(measured)) return { goal, measured: 'not measured', met: null };
    const met = measured >= (goal.least ?? Number.NEGATIVE_INFINITY) && measured <= (goal.most ?? Infinity);
    return { goal, measured: shown(measured), met };
  });
}

export function limitOf({ least, most }: Goal): string {
  return least === undefined ? `<= ${most}` : `>= ${least}`;
}
