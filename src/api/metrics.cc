#include "api/metrics.h"

namespace posthorn::api {

void add_metrics(http::Router& router, Node node, std::vector<MetricSource> sources) {
    router.add(http::Verb::get, "/metrics",
               [node = std::move(node), sources = std::move(sources)](const http::Request&) {
                   Exposition out(node);
                   for (const MetricSource& source : sources)
                       source(out);
                   out.gauge("posthorn_metrics_series_left_out",
                             "Series of this answer beyond the limit of a family",
                             static_cast<double>(out.left_out()));
                   http::Response response;
                   response.content_type = "text/plain; version=0.0.4; charset=utf-8";
                   response.body = out.take();
                   return response;
               });
}

}  // namespace posthorn::api
