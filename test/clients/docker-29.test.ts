import { describeDocker } from "./docker-suite.ts";
import { startDocker29 } from "./docker.ts";

describeDocker("Docker Engine 29, with the containerd image store", startDocker29);
