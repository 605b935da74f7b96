import { describeDocker } from "./docker-suite.ts";
import { startDocker20 } from "./docker.ts";

describeDocker("Docker 20.10, as Debian ships it", startDocker20);
