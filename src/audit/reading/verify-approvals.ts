import { ApprovalCheck } from '../../core/approvals/approval-check.ts';
import { neededByRecord } from '../../core/approvals/needed-by-record.ts';
import type { Catalogue } from '../../core/catalogue/catalogue.ts';
import { readRecords } from './read-records.ts';

/** What became of the approvals of a trail. */
export interface ApprovalsVerdict {
  readonly problems: readonly { readonly seq: number | undefined; readonly message: string }[];
  readonly asked: number;
  readonly used: number;
  readonly assertions: number;
}

const MOST_PROBLEMS = 100;

/** Holds every call of these files against the approvals in them, by the records alone. */
export function verifyApprovals(files: readonly string[], catalogue: Catalogue): ApprovalsVerdict {
  const needOf = neededByRecord(({ upstream, method, path }) =>
    catalogue.endpoints.find(
      (each) =>
        each.upstream === upstream &&
        each.path === path &&
        (each.method === method || each.webSocket === method),
    ),
  );
  const check = new ApprovalCheck(needOf);
  const problems = [];
  for (const { record } of readRecords(files)) {
    const problem = check.next(record);
    if (problem !== undefined && problems.length < MOST_PROBLEMS) problems.push(problem);
  }
  return { problems, ...check.counts };
}
