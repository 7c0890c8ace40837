// Asks @cloud-copilot/iam-simulate about each request on standard input (JSON Lines), and prints
// the request's number, its digest and one letter: A allowed, D denied, E the request was refused.
// The package is a separate program for development; nothing of it is part of the kit.
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const require = createRequire(`${process.cwd()}/`)
const { anonymousPrincipal, runSimulation } = await import(
  pathToFileURL(require.resolve('@cloud-copilot/iam-simulate'))
)

const named = (documents) => documents.map((policy, n) => ({ name: `policy-${n}`, policy }))

for await (const line of createInterface({ input: process.stdin })) {
  const { digest, request } = JSON.parse(line)
  const answer = await runSimulation(
    {
      request: {
        principal: request.principal.kind === 'anonymous' ? anonymousPrincipal : request.principal.name,
        action: request.action,
        resource: { resource: request.resource, accountId: request.owner },
        contextVariables: request.context
      },
      identityPolicies: named(request.identity),
      permissionBoundaryPolicies: request.boundary ? named([request.boundary]) : undefined,
      resourcePolicy: request.policy ?? undefined,
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      additionalSettings: { s3: { blockPublicAccess: request.blocks_public } }
    },
    {}
  )
  const letter = answer.resultType === 'error' ? 'E' : answer.overallResult === 'Allowed' ? 'A' : 'D'
  if (letter === 'E' && process.env.WHY) console.error(request.id, JSON.stringify(answer.errors))
  if (answer.result?.ignoredContextKeys?.length && process.env.WHY)
    console.error(request.id, 'ignored', answer.result.ignoredContextKeys.join())
  console.log(`${request.id} ${digest} ${letter}`)
}
