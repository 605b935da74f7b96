# Made by scripts/image.sh, which puts the executable and the few libraries it needs into dist/image.
FROM scratch
COPY root/ /
COPY --chown=65532:65532 data/ /data/
USER 65532:65532
# "container" is the convention by which a program learns where it runs: the host's name means nothing to clients here.
ENV container=oci DOZO_DATA=/data
VOLUME /data
EXPOSE 5000
ENTRYPOINT ["/usr/local/bin/dozo"]
CMD ["up"]
