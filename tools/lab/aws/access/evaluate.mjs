// Judges requests by IAM's policies: reads a JSON list of requests a line, writes a list of verdicts.
// It runs apart from the lab, and its library, which is under the AGPL, is not part of the project.
// Its argument is the folder that the library is installed in.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const { runSimulation, runUnsafeSimulation } = createRequire(`${process.argv[2]}/package.json`)(
  "@cloud-copilot/iam-simulate",
);

// The quick way cannot read a resource's own policy. The other one lacks kinds of resources of
// load balancers, which have no policies.
async function judge(request) {
  if (!request.resourcePolicy) return runUnsafeSimulation(request, {});
  const result = await runSimulation(request, {});
  return result.overallResult ?? `Failed: ${JSON.stringify(result.errors)}`;
}

for await (const line of createInterface({ input: process.stdin })) {
  const verdicts = JSON.parse(line).map((request) =>
    judge(request).catch((error) => `Failed: ${error.message}`),
  );
  process.stdout.write(`${JSON.stringify(await Promise.all(verdicts))}\n`);
}
