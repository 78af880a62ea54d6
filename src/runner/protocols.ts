import { AcpConnection } from '../agents/acp/acpConnection';
import type { AgentConnection, AgentHost } from '../agents/agentConnection';
import { CliConnection } from '../agents/cli/cliConnection';
import type { LaunchData } from '../domain/runnerProtocol';

/** The way to talk to a session's agent; nothing is started yet. */
export function openConnection(launch: LaunchData, host: AgentHost): AgentConnection {
  switch (launch.protocol) {
    case 'acp':
      return new AcpConnection(launch, host);
    case 'cli':
      return new CliConnection(launch, host);
  }
}
