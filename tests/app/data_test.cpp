// A dataset in the window over the engine: found, looked through, edited on the disk, brought back.
#include "core/data/held_out_label.h"
#include "tests/app/live_flow.h"
#include "tests/data/dataset_fixture.h"

namespace dream::ui {
namespace data_test {

class LiveData : public LiveFlow {
 protected:
  void SetUp() override {
    const auto info = test::info_of(48, 64, 3, 0);
    DatasetWriter writer(dataset(), info);
    for (std::uint64_t i = 0; i < 6; ++i) writer.append(test::episode_of(info, 20 + i, i));
    LiveFlow::SetUp();
  }
  std::filesystem::path dataset() { return folder() / "data" / "toy"; }
  const DataView& data() { return *window->ui().snapshot->data; }
  static std::string in(const std::string& item) { return "//Data###data/**/" + item; }
};

TEST_F(LiveData, IsLookedThroughAndEdited) {
  open("train");
  act([&](ImGuiTestContext* ctx) {
    window->ui().run("data");
    if (!until(ctx, "it is found", [&] { return data().known.size() == 1; })) return;
    window->ui().send(OpenDataset{data().known.front()});
    if (!until(ctx, "it is read", [&] { return data().read == 6 && data().episode; })) return;
    EXPECT_EQ(data().episode->name, "episode_0");
    ctx->Yield(4);
    picture(ctx, "data");
    ctx->ItemClick(in("###episode_2").c_str());
    if (!until(ctx, "it is shown", [&] { return data().episode && data().episode->name == "episode_2"; })) return;
    ctx->ItemClick(in("###hold_out").c_str());
    if (!until(ctx, "it is held out", [&] { return data().held_out == 1; })) return;
    EXPECT_EQ(held_out_of(dataset()), std::set<std::string>{"episode_2"});
    ctx->ItemClick(in("###delete").c_str());
    ctx->Yield(2);
    ctx->ItemClick(in("###delete_now").c_str());
    if (!until(ctx, "it is gone", [&] { return data().episodes->size() == 5 && data().read == 5; })) return;
    EXPECT_EQ(Dataset(dataset()).episodes(), 5u);
    ctx->Yield(4);
    ctx->ItemClick(in("###undo_data").c_str());
    if (!until(ctx, "it is back", [&] { return data().episodes->size() == 6 && data().held_out == 1; })) return;
    EXPECT_TRUE(window->ui().snapshot->fault.empty());
  });
}

}  // namespace data_test
}  // namespace dream::ui
