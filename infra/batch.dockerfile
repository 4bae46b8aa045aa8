# The Batch container: one attempt of one task, which it finds in STAMPEDE_TASK. Its context is the bundle `batch` (infra/bundles.ts),
# which brings all it needs; nothing is downloaded but the base.
FROM public.ecr.aws/docker/library/node:22-bookworm-slim
# What the machine's NVIDIA runtime gives to a container that has a GPU; without one it means nothing.
ENV NODE_ENV=production NVIDIA_DRIVER_CAPABILITIES=compute,utility
WORKDIR /stampede
COPY --chown=root:root . .
USER node
CMD ["node", "index.js"]
